// Verifies a bundle with sigstore-go, the library behind cosign and `gh attestation verify`:
//
//	sigstore-go TRUSTED-ROOT BUNDLE sha256:HEX IDENTITY ISSUER logs|timestamps
//
// `logs` demands what gh demands of the public-good instance (SCT, log entry, an observed time), `timestamps` what it demands
// of GitHub's own.
package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

func check(arguments []string) error {
	if len(arguments) != 6 {
		return fmt.Errorf("expected TRUSTED-ROOT BUNDLE sha256:HEX IDENTITY ISSUER logs|timestamps")
	}
	trusted, err := root.NewTrustedRootFromPath(arguments[0])
	if err != nil {
		return err
	}
	stored, err := bundle.LoadJSONFromPath(arguments[1])
	if err != nil {
		return err
	}
	digest, err := hex.DecodeString(strings.TrimPrefix(arguments[2], "sha256:"))
	if err != nil {
		return err
	}
	var demands []verify.VerifierOption
	switch arguments[5] {
	case "logs":
		demands = []verify.VerifierOption{
			verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1),
		}
	case "timestamps":
		demands = []verify.VerifierOption{verify.WithSignedTimestamps(1)}
	default:
		return fmt.Errorf("expected logs or timestamps, got %q", arguments[5])
	}
	verifier, err := verify.NewVerifier(trusted, demands...)
	if err != nil {
		return err
	}
	identity, err := verify.NewShortCertificateIdentity(arguments[4], "", arguments[3], "")
	if err != nil {
		return err
	}
	policy := verify.NewPolicy(verify.WithArtifactDigest("sha256", digest), verify.WithCertificateIdentity(identity))
	result, err := verifier.Verify(stored, policy)
	if err != nil {
		return err
	}
	fmt.Println(result.Statement.PredicateType)
	return nil
}

func main() {
	if err := check(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
