package main

import (
	"fmt"
	"strings"
)

// A problem is one mistake in the configuration. It never quotes a value, which
// may be a secret in the wrong place.
type problem struct {
	// Key is the path in the file, such as hubspot.portal.
	Key string `json:"key"`
	// At is where it was written: a file and a line, or a variable; "" if it
	// was not.
	At   string `json:"at,omitempty"`
	Hint string `json:"hint"`
}

// problems are all mistakes of a configuration.
type problems []problem

// Error implements error, a line for each.
func (p problems) Error() string {
	lines := make([]string, len(p))
	for i, x := range p {
		lines[i] = fmt.Sprintf("%s: %s", x.Key, x.Hint)
		if x.At != "" {
			lines[i] = x.At + ": " + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}
