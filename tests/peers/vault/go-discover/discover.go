// Package discover has the names that Vault imports from hashicorp/go-discover and finds nothing. The real package looks
// for cluster members in every cloud; a test server on loopback has none, and the clouds' SDKs are half of Vault's build.
package discover

import (
	"errors"
	"log"
)

var errNone = errors.New("this build finds no cluster members")

// Provider finds members in one cloud.
type Provider interface {
	Addrs(args map[string]string, logger *log.Logger) ([]string, error)
	Help() string
}

// Providers is empty: no cloud is built in.
var Providers = map[string]Provider{}

// Config is one parsed rule.
type Config map[string]string

// Parse knows no rule.
func Parse(string) (Config, error) { return nil, errNone }

// String is empty, as every rule is.
func (Config) String() string { return "" }

// Discover finds nothing.
type Discover struct{}

// Option changes nothing.
type Option func(*Discover) error

// New never fails.
func New(...Option) (*Discover, error) { return new(Discover), nil }

// WithProviders leaves the providers out.
func WithProviders(map[string]Provider) Option { return func(*Discover) error { return nil } }

// Addrs finds nothing.
func (*Discover) Addrs(string, *log.Logger) ([]string, error) { return nil, errNone }
