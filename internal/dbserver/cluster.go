//go:build unix

package dbserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/urbanhub/crmsync/internal/loopback"
)

// A Cluster is a PostgreSQL cluster on disk, with one superuser.
type Cluster struct {
	// DSN names its database postgres, Addr is host:port on loopback.
	DSN, Addr string
	at        *loopback.Address // claimed for as long as the cluster is known
	bin, dir  string
	as        *syscall.Credential
}

// NewCluster makes a cluster by the initdb in the folder bin and with more of
// its options. The folder dir is empty; it becomes that of the user who runs
// the server, which refuses to run as root.
func NewCluster(ctx context.Context, bin, dir string, options ...string) (*Cluster, error) {
	at, err := loopback.Claim(ctx)
	if err != nil {
		return nil, err
	}
	as, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	secret, file := rand.Text(), filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte(secret), 0o644); err != nil { // in a folder of mode 0700
		return nil, err
	}
	c := &Cluster{bin: bin, dir: dir, as: as, at: at, Addr: at.String(),
		DSN: fmt.Sprintf("postgres://crmsync:%s@%s/postgres?sslmode=disable", secret, at)}
	args := append([]string{"-D", c.data(), "-U", "crmsync", "-A", "password", "--pwfile", file, "-E", "UTF8", "--locale=C", "--no-sync"}, options...)
	if out, err := c.command(ctx, "initdb", args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return c, nil
}

// Command prepares a server over the cluster with settings such as
// "max_connections=200". The context is only that of its values: ending the
// server is up to the caller.
func (c *Cluster) Command(ctx context.Context, settings ...string) *exec.Cmd {
	args := []string{"-D", c.data(), "-p", c.at.Port, "-c", "listen_addresses=" + c.at.Host, "-c", "unix_socket_directories=" + c.dir}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return c.command(context.WithoutCancel(ctx), "postgres", args...)
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// command prepares one of the server's programs, as its user.
func (c *Cluster) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	cmd.Dir, cmd.SysProcAttr = c.dir, &syscall.SysProcAttr{Credential: c.as}
	return cmd
}

// unprivileged returns the user as whom a server runs that refuses root, nil
// when this process is not root's, and gives the folder to that user.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
	}
	return nil, errors.New("it refuses to run as root, and there is neither a user postgres nor nobody")
}
