//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
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
func spawn(cmd *exec.Cmd, dir string, quit syscall.Signal) (*process, error) {
	p := &process{cmd: cmd, quit: quit, log: filepath.Join(dir, "log"), ended: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := errors.Join(cmd.Start(), log.Close()); err != nil {
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
