package mapping

import (
	"slices"
	"strings"
	"unicode"
)

// A Cleaner names a way of tidying raw texts. Every cleaner is idempotent.
type Cleaner string

// The cleaners.
const (
	Trim          Cleaner = "trim"           // removes blanks at both ends
	CollapseSpace Cleaner = "collapse-space" // makes every run of blanks one space, none at the ends
	Lower         Cleaner = "lower"          // lower case
	Upper         Cleaner = "upper"          // upper case
	Title         Cleaner = "title"          // Each Word And Anne-Marie Like This
	Digits        Cleaner = "digits"         // keeps the digits 0 to 9 only
	StripHTML     Cleaner = "strip-html"     // a space for every tag; entities stay as they are
)

var cleaners = map[Cleaner]func(string) string{
	Trim:          strings.TrimSpace,
	CollapseSpace: collapse,
	Lower:         strings.ToLower,
	Upper:         strings.ToUpper,
	Title:         title,
	Digits:        digits,
	StripHTML:     stripHTML,
}

// collapse returns s without blanks at the ends and with single spaces
// inside. It returns s itself when there is nothing to do.
func collapse(s string) string {
	if folded(s) {
		return s
	}
	return strings.Join(strings.Fields(s), " ")
}

func folded(s string) bool {
	blank := true
	for _, r := range s {
		space := unicode.IsSpace(r)
		if space && (blank || r != ' ') {
			return false
		}
		blank = space
	}
	return !blank || s == ""
}

func title(s string) string {
	start := true
	return strings.Map(func(r rune) rune {
		first := start
		start = unicode.IsSpace(r) || r == '-'
		if first {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// stripHTML replaces every tag by a space. The space keeps what is around a
// tag from forming a new one, so that a second pass finds nothing.
func stripHTML(s string) string {
	if !strings.Contains(s, "<") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if end := tagEnd(s[i:]); end > 0 {
			b.WriteByte(' ')
			i += end
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// tagEnd returns the index of the ">" that closes the tag at the start of s,
// 0 when there is none.
func tagEnd(s string) int {
	if len(s) < 3 || s[0] != '<' {
		return 0
	}
	c := s[1] | 0x20 // letters in lower case
	if (c < 'a' || c > 'z') && s[1] != '/' && s[1] != '!' {
		return 0
	}
	return max(0, strings.IndexByte(s, '>'))
}

// cleanerNames lists the cleaners for hints.
func cleanerNames() string {
	var names []string
	for c := range cleaners {
		names = append(names, string(c))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
