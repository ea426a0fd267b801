//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// A process is a server that runs.
type process struct {
	cmd   *exec.Cmd
	quit  syscall.Signal // asks it to end
	log   string
	ended chan struct{}
}

// spawn starts a server. It has a process group of its own, so that an
// interrupt at the terminal leaves it to the end of the command.
func spawn(ctx context.Context, as *syscall.Credential, dir string, quit syscall.Signal, program string, args ...string) (*process, error) {
	p := &process{quit: quit, log: filepath.Join(dir, "log"), ended: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	if err := joinClose(p.cmd.Start(), log); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // await and stop ask for the end, not for its reason
		close(p.ended)
	}()
	return p, nil
}

// stop ends the server and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(p.quit) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// output returns the end of what the server has logged.
func (p *process) output() []byte {
	out, _ := os.ReadFile(p.log) // without a log there is nothing to tell
	return out[max(0, len(out)-2000):]
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

// prepare runs a program to its end as another user.
func prepare(ctx context.Context, as *syscall.Credential, dir, program string, args ...string) error {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out.Bytes())
	}
	return nil
}

// joinClose closes c and returns what failed.
func joinClose(err error, c io.Closer) error { return errors.Join(err, c.Close()) }
