//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/urbanhub/crmsync/internal/dbserver"
	"github.com/urbanhub/crmsync/internal/loopback"
)

var redis = &server{
	name: "Redis", variable: "CRMSYNC_TEST_REDIS", program: dbserver.Redis, least: 7,
	packages: map[string][]string{"apt-get": {"redis-server"}, "brew": {"redis"}},
	launch:   launchRedis,
}

// launchRedis starts a server that keeps an append-only file and evicts
// nothing, as production wants it.
func launchRedis(ctx context.Context, bin, dir string) (launched, error) {
	at, err := loopback.Claim(ctx)
	if err != nil {
		return launched{}, err
	}
	p, err := spawn(exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(bin, "redis-server"), "--port", at.Port, "--bind", at.Host,
		"--dir", dir, "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction",
		"--unixsocket", dir+"/redis.sock"), dir, syscall.SIGTERM)
	return launched{value: at.String(), process: p, ready: func(ctx context.Context) error { return ping(ctx, at.String()) }}, err
}

// ping asks a Redis server whether it serves.
func ping(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprint(conn, "PING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && answer != "+PONG\r\n" {
		err = fmt.Errorf("it answers %q", answer)
	}
	return err
}
