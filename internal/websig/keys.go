package websig

import (
	"strings"
	"time"
)

// Keys are the secrets of a sender: the present one first, and those that it
// may still use while it is changed.
type Keys struct {
	Secrets []string
	// OldUntil is until when others than the first are taken; zero is for good.
	OldUntil time.Time
}

// Usable reports whether there are secrets and each of them can be one: a blank
// or a line end around it is of the file that it was read from.
func (k Keys) Usable() bool {
	for _, s := range k.Secrets {
		if s == "" || strings.TrimSpace(s) != s {
			return false
		}
	}
	return len(k.Secrets) > 0
}

// At returns the secrets that are taken at a moment.
func (k Keys) At(now time.Time) []string {
	if len(k.Secrets) > 1 && !k.OldUntil.IsZero() && !now.Before(k.OldUntil) {
		return k.Secrets[:1]
	}
	return k.Secrets
}
