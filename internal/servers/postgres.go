//go:build unix

package main

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/urbanhub/crmsync/internal/dbserver"
)

var postgres = &server{
	name: "PostgreSQL", variable: "CRMSYNC_TEST_POSTGRES", program: dbserver.Postgres, least: 15,
	packages: map[string][]string{"apt-get": {"postgresql"}, "brew": {"postgresql@17"}},
	launch:   launchPostgres,
}

// launchPostgres makes a cluster with one superuser and starts it. Its texts
// sort by a language unless a query says otherwise, as on many servers of
// production.
func launchPostgres(ctx context.Context, bin, dir string) (launched, error) {
	cluster, err := dbserver.NewCluster(ctx, bin, dir, "--locale-provider=icu", "--icu-locale=en-US")
	if err != nil {
		return launched{}, err
	}
	p, err := spawn(cluster.Command(ctx, "max_connections=500", "shared_buffers=256MB", "fsync=on"), dir, syscall.SIGINT)
	return launched{
		value:   cluster.DSN,
		process: p,
		ready: func(ctx context.Context) error {
			host, port, _ := net.SplitHostPort(cluster.Addr)
			return exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-q", "-h", host, "-p", port).Run()
		},
	}, err
}
