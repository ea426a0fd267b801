package main

import (
	"fmt"
	"io"
	"log/slog"
)

// A secret prints as "[secret]", whatever prints it. It comes from the
// environment, or from the file that the environment names, and never from the
// configuration file.
type secret struct {
	text string
	file string // where it was read from, "" if it was not
}

// set reports whether there is one.
func (s secret) set() bool { return s.text != "" }

// Format implements fmt.Formatter for every verb.
func (secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// MarshalText keeps the secret out of JSON and logs.
func (secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// LogValue keeps it out of logs that print values by reflection.
func (secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// texts returns those that are set.
func texts(secrets ...secret) []string {
	var out []string
	for _, s := range secrets {
		if s.set() {
			out = append(out, s.text)
		}
	}
	return out
}
