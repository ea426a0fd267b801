//go:build unix

// Servers runs a command, such as the tests, beside private PostgreSQL and
// Redis servers, and stops them afterwards:
//
//	go run ./internal/servers -- go test ./...
//	go run ./internal/servers
//
// Without a command it prints the variables and waits for an interrupt. The
// servers listen on loopback alone, at free ports, and keep their data in a
// temporary folder that is removed at the end. A server whose variable is set
// already is the caller's and is not started; one that is not installed is
// installed with apt-get or brew. The exit status is that of the command.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	command := os.Args[1:]
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	status, err := run(command)
	if err != nil {
		fmt.Fprintln(os.Stderr, "servers:", err)
		status = 1
	}
	os.Exit(status)
}

// run starts the servers, runs the command, and leaves nothing behind.
func run(command []string) (status int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	dir, err := os.MkdirTemp("", "crmsync-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// The servers' folders are their users' own; this one is only passed.
	if err := os.Chmod(dir, 0o711); err != nil {
		return 1, err
	}
	for _, s := range []*server{postgres, redis} {
		if os.Getenv(s.variable) != "" {
			progress("%s is the caller's, by %s", s.name, s.variable)
			continue
		}
		running, err := s.start(ctx, dir)
		if err != nil {
			return 1, err
		}
		defer running.stop()
	}
	if len(command) == 0 {
		return 0, idle(ctx)
	}
	return execute(ctx, command)
}

// idle prints the variables and waits for an interrupt.
func idle(ctx context.Context) error {
	for _, s := range []*server{postgres, redis} {
		if _, err := fmt.Fprintf(os.Stdout, "export %s='%s'\n", s.variable, os.Getenv(s.variable)); err != nil {
			return err
		}
	}
	progress("running until interrupted")
	<-ctx.Done()
	return nil
}

// execute runs the command with the servers' variables, hands on the signals
// that ask to end, and returns the command's exit status.
func execute(ctx context.Context, command []string) (int, error) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if ctx.Err() != nil {
		return 130, nil
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	progress("running %s", strings.Join(command, " "))
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have ended just now
		case err := <-ended:
			return exitStatus(err)
		}
	}
}

// exitStatus is the status of a command that ended; one that a signal ended
// has that of a shell.
func exitStatus(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal()), nil
	}
	return exit.ExitCode(), nil
}

// progress tells a person what happens.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "servers: "+format+"\n", args...)
}
