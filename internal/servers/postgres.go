//go:build unix

package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

var postgres = &server{
	name: "PostgreSQL", variable: "CRMSYNC_TEST_POSTGRES", program: "postgres", least: 15,
	places: []string{
		"/usr/lib/postgresql/*/bin", // Debian
		"/usr/pgsql-*/bin",          // Red Hat
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	},
	packages: map[string][]string{"apt-get": {"postgresql"}, "brew": {"postgresql@17"}},
	launch:   launchPostgres,
}

// launchPostgres makes a cluster with one superuser and starts it. Its texts
// sort by a language unless a query says otherwise, as on many servers of
// production.
func launchPostgres(ctx context.Context, bin, dir string) (launched, error) {
	as, err := unprivileged(dir)
	if err != nil {
		return launched{}, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return launched{}, err
	}
	secret, secretFile := rand.Text(), filepath.Join(dir, "secret")
	if err := os.WriteFile(secretFile, []byte(secret), 0o644); err != nil { // in a folder of mode 0700
		return launched{}, err
	}
	data := filepath.Join(dir, "data")
	err = prepare(ctx, as, dir, filepath.Join(bin, "initdb"), "-D", data, "-U", "crmsync", "-A", "password",
		"--pwfile", secretFile, "-E", "UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync")
	if err != nil {
		return launched{}, err
	}
	p, err := spawn(ctx, as, dir, syscall.SIGINT, filepath.Join(bin, "postgres"), "-D", data, "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+dir,
		"-c", "max_connections=500", "-c", "shared_buffers=256MB", "-c", "fsync=on")
	return launched{
		value:   fmt.Sprintf("postgres://crmsync:%s@127.0.0.1:%s/postgres?sslmode=disable", secret, port),
		process: p,
		ready: func(ctx context.Context) error {
			return exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", port).Run()
		},
	}, err
}
