// Command timestamp serves Sigstore's timestamp authority on loopback, with a key that lives as long as the process.
//
// The authority's own command also opens a metrics port that cannot be chosen; the server below is the same without it.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

// Sigstore's policy for timestamps.
const policy = "1.3.6.1.4.1.57264.2"

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1")
	flag.Parse()
	viper.Set("timestamp-signer", "memory")
	viper.Set("timestamp-signer-hash", "sha256")
	viper.Set("default-policy-oid", policy)
	viper.Set("accepted-policy-oids", []string{policy})
	viper.Set("max-request-body-size", uint64(64<<10))
	authority := server.NewRestAPIServer("127.0.0.1", *port, []string{"http"}, false, time.Minute, time.Minute)
	if err := authority.Serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
