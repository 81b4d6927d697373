// Command issuer is an OpenID Connect issuer on loopback whose tokens look like those of GitHub Actions. It is a stand-in:
// GitHub's own issuer cannot be had. Fulcio checks its tokens as it checks GitHub's.
package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"
)

type issuer struct {
	url string
	key *rsa.PrivateKey
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	self := issuer{url: "http://" + listener.Addr().String(), key: key}
	http.HandleFunc("/.well-known/openid-configuration", self.configuration)
	http.HandleFunc("/keys", self.keys)
	http.HandleFunc("/token", self.token)
	fmt.Println("listening on", self.url)
	return http.Serve(listener, nil)
}

func (i issuer) configuration(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{
		"issuer":                                i.url,
		"jwks_uri":                              i.url + "/keys",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

func (i issuer) keys(w http.ResponseWriter, _ *http.Request) {
	public := map[string]string{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "only",
		"n": encode(i.key.N.Bytes()), "e": encode(big.NewInt(int64(i.key.E)).Bytes()),
	}
	answer(w, map[string]any{"keys": []any{public}})
}

// token gives a token for a release workflow of acme/shop; ?ref= chooses another ref.
func (i issuer) token(w http.ResponseWriter, r *http.Request) {
	ref := r.URL.Query().Get("ref")
	if ref == "" {
		ref = "refs/heads/main"
	}
	now := time.Now()
	workflow := "acme/shop/.github/workflows/release.yml@" + ref
	commit := "3f786850e387550fdab836ed7e6dc881de23001b"
	claims := map[string]any{
		"iss": i.url, "aud": "sigstore", "sub": "repo:acme/shop:ref:" + ref,
		"iat": now.Unix(), "nbf": now.Unix() - 5, "exp": now.Unix() + 600,
		"repository": "acme/shop", "repository_id": "123456", "repository_owner": "acme", "repository_owner_id": "654321",
		"repository_visibility": "public", "ref": ref, "sha": commit, "event_name": "push",
		"workflow": "release", "workflow_ref": workflow, "workflow_sha": commit,
		"job_workflow_ref": workflow, "job_workflow_sha": commit,
		"runner_environment": "github-hosted", "run_id": "7", "run_attempt": "1",
	}
	signed, err := i.sign(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, signed)
}

func (i issuer) sign(claims map[string]any) (string, error) {
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := encode([]byte(`{"alg":"RS256","typ":"JWT","kid":"only"}`)) + "." + encode(body)
	hash := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, hash[:])
	if err != nil {
		return "", err
	}
	return text + "." + encode(signature), nil
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func encode(bytes []byte) string {
	return base64.RawURLEncoding.EncodeToString(bytes)
}
