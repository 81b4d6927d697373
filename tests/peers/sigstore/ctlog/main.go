// Command ctlog serves a certificate transparency log (RFC 6962) on loopback: the handlers of certificate-transparency-go
// over a Trillian log whose tree lives in memory.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/google/certificate-transparency-go/trillian/ctfe"
	"github.com/google/certificate-transparency-go/trillian/ctfe/configpb"
	"github.com/google/trillian"
	"github.com/google/trillian/client"
	"github.com/google/trillian/crypto/keys"
	"github.com/google/trillian/crypto/keys/der"
	"github.com/google/trillian/crypto/keyspb"
	"github.com/google/trillian/extension"
	trillianlog "github.com/google/trillian/log"
	"github.com/google/trillian/monitoring"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"github.com/google/trillian/util/election"
	"github.com/google/trillian/util/election2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	roots := flag.String("roots", "", "PEM file of accepted roots")
	public := flag.String("public-key", "", "file for the log's public key")
	flag.Parse()
	if err := serve(*listen, *roots, *public); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(listen, roots, publicFile string) error {
	ctx := context.Background()
	connection, err := startTrillian(ctx)
	if err != nil {
		return err
	}
	log := trillian.NewTrillianLogClient(connection)
	tree, err := client.CreateAndInitTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeState: trillian.TreeState_ACTIVE, TreeType: trillian.TreeType_LOG, MaxRootDuration: durationpb.New(time.Hour),
	}}, trillian.NewTrillianAdminClient(connection), log)
	if err != nil {
		return err
	}
	config, err := newConfig(tree.TreeId, roots, publicFile)
	if err != nil {
		return err
	}
	validated, err := ctfe.ValidateLogConfig(config)
	if err != nil {
		return err
	}
	instance, err := ctfe.SetUpInstance(ctx, ctfe.InstanceOptions{
		Validated: validated, Client: log, Deadline: 20 * time.Second,
		MetricFactory: monitoring.InertMetricFactory{}, RequestLog: new(ctfe.DefaultRequestLog),
	})
	if err != nil {
		return err
	}
	for path, handler := range instance.Handlers {
		http.Handle(path, handler)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())
	return http.Serve(listener, nil)
}

// startTrillian starts a log server and its sequencer and connects to them.
func startTrillian(ctx context.Context) (*grpc.ClientConn, error) {
	metrics := monitoring.InertMetricFactory{}
	trees := memory.NewTreeStorage()
	registry := extension.Registry{
		AdminStorage: memory.NewAdminStorage(trees), LogStorage: memory.NewLogStorage(trees, metrics),
		ElectionFactory: election2.NoopFactory{}, QuotaManager: quota.Noop(), MetricFactory: metrics,
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	services := grpc.NewServer()
	trillian.RegisterTrillianLogServer(services, server.NewTrillianLogRPCServer(registry, clock.System))
	trillian.RegisterTrillianAdminServer(services, admin.New(registry, nil))
	go func() { _ = services.Serve(listener) }()
	sequencer := trillianlog.NewOperationManager(trillianlog.OperationInfo{
		Registry: registry, BatchSize: 20, NumWorkers: 1, RunInterval: 100 * time.Millisecond, TimeSource: clock.System,
		ElectionConfig: election.RunnerConfig{TimeSource: clock.System, MasterHoldInterval: time.Hour},
	}, trillianlog.NewSequencerManager(registry, 0))
	go sequencer.OperationLoop(ctx)
	return grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// newConfig makes the log's key and writes its public half.
func newConfig(tree int64, roots, publicFile string) (*configpb.LogConfig, error) {
	keys.RegisterHandler(&keyspb.PrivateKey{}, der.FromProto)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	if err := os.WriteFile(publicFile, text, 0o600); err != nil {
		return nil, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	wrapped, err := anypb.New(&keyspb.PrivateKey{Der: private})
	if err != nil {
		return nil, err
	}
	return &configpb.LogConfig{
		LogId: tree, Prefix: "log", RootsPemFile: []string{roots}, ExtKeyUsages: []string{"CodeSigning"},
		PrivateKey: wrapped, PublicKey: &keyspb.PublicKey{Der: public},
	}, nil
}
