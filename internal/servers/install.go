//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// install installs the server with the system's package manager. On Debian
// the package sets up a service of its own too, which nothing here touches.
func (s *server) install(ctx context.Context) error {
	for _, m := range []struct {
		name  string
		steps [][]string
	}{
		{"apt-get", [][]string{{"apt-get", "update", "-q"}, {"apt-get", "install", "-q", "-y", "--no-install-recommends"}}},
		{"brew", [][]string{{"brew", "install"}}},
	} {
		if _, err := exec.LookPath(m.name); err != nil {
			continue
		}
		last := len(m.steps) - 1
		m.steps[last] = append(m.steps[last], s.packages[m.name]...)
		for _, step := range m.steps {
			if err := asAdministrator(ctx, m.name, step); err != nil {
				return fmt.Errorf("%s %d or newer is missing and could not be installed: `%s` failed (%w); install it or set %s",
					s.name, s.least, strings.Join(step, " "), err, s.variable)
			}
		}
		return nil
	}
	return fmt.Errorf("%s %d or newer is missing and there is neither apt-get nor brew to install it; install it or set %s",
		s.name, s.least, s.variable)
}

// asAdministrator runs a step of an installation; apt-get needs the rights of
// root, which sudo gives if it asks nobody.
func asAdministrator(ctx context.Context, manager string, step []string) error {
	if manager == "apt-get" {
		step = append([]string{"env", "DEBIAN_FRONTEND=noninteractive"}, step...)
		if os.Geteuid() != 0 {
			step = append([]string{"sudo", "-n"}, step...)
		}
	}
	progress("%s", strings.Join(step, " "))
	cmd := exec.CommandContext(ctx, step[0], step[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return cmd.Run()
}
