package bird

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// newlines makes every line end the same.
var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// clean makes a text fit to be shown: valid UTF-8 without control characters,
// and without those that turn the direction of what follows them. Text that
// is written from right to left needs none of them.
func clean(s string) string {
	s = newlines.Replace(strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r) && !unicode.Is(directionMarks, r),
			r == '\uFEFF', r&0xFFFE == 0xFFFE:
			return -1
		}
		return r
	}, s))
}

// directionMarks affect only their neighbours, and Arabic and Hebrew need them.
var directionMarks = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x061C, Hi: 0x061C, Stride: 1}, {Lo: 0x200E, Hi: 0x200F, Stride: 1}}}

// short returns a text on one line, at most n characters long.
func short(s string, n int) string {
	s = strings.Join(strings.Fields(clean(s)), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return s[:boundary(s, len(string([]rune(s)[:n-1])))] + "…"
}

// boundary returns the last place at or before n at which a text can be cut
// without parting what is seen as one character: a letter from its accents, an
// emoji from its parts. Of very long heaps of accents it parts all the same.
func boundary(s string, n int) int {
	n = min(n, len(s))
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	at := n
	for range 32 {
		if at <= 0 || at >= len(s) {
			return at
		}
		next, _ := utf8.DecodeRuneInString(s[at:])
		last, size := utf8.DecodeLastRuneInString(s[:at])
		if !joins(next) && last != zeroWidthJoiner && !(regional(next) && oddRegionals(s[:at])) {
			return at
		}
		at -= size
	}
	return n
}

const zeroWidthJoiner = '\u200D'

// joins reports whether a character belongs to the one before it.
func joins(r rune) bool {
	return unicode.In(r, unicode.M) || r == zeroWidthJoiner || r >= 0x1F3FB && r <= 0x1F3FF || r >= 0xE0020 && r <= 0xE007F
}

// regional reports whether a character is half a flag.
func regional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// oddRegionals reports whether a text ends in the first half of a flag.
func oddRegionals(s string) bool {
	odd := false
	for s != "" {
		r, size := utf8.DecodeLastRuneInString(s)
		if !regional(r) {
			break
		}
		odd = !odd
		s = s[:len(s)-size]
	}
	return odd
}

// The parts of HTML that are no text, and those that end a line.
var (
	hidden  = regexp.MustCompile(`(?is)<!--.*?-->|<(?:script|style|head)\b.*?</(?:script|style|head)\s*>`)
	endings = regexp.MustCompile(`(?i)<(?:br|/p|/div|/tr|/li|/h[1-6]|/blockquote)\b[^>]*>`)
	tags    = regexp.MustCompile(`(?s)</?[a-zA-Z!?][^>]*>`)
	blanks  = regexp.MustCompile(`[ \t]*\n[ \t\n]*\n[ \t]*`)
)

// stripped returns the text of an e-mail that has only HTML. What is left may
// still look like markup and must be escaped like any text.
func stripped(s string) string {
	s = endings.ReplaceAllString(hidden.ReplaceAllString(s, ""), "\n")
	s = html.UnescapeString(tags.ReplaceAllString(s, ""))
	return blanks.ReplaceAllString(newlines.Replace(s), "\n\n")
}
