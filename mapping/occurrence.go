package mapping

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/urbanhub/crmsync/sync"
)

// An occurrence is a fact as templates and conditions see it.
type occurrence struct {
	ID, Type   string
	Key        string // as [sync.FactKey]
	Subject    sync.Ref
	OccurredAt time.Time
	Data       map[string]string // as texts; an object's parts as "object.part"
}

func newOccurrence(f sync.Fact) *occurrence {
	o := &occurrence{ID: f.ID, Type: f.Type, Key: sync.FactKey(f), Subject: f.Subject, OccurredAt: f.OccurredAt, Data: map[string]string{}}
	o.flatten("", f.Data)
	return o
}

// flatten takes the data in.
func (o *occurrence) flatten(prefix string, data map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(data)) {
		if inner, ok := data[name].(map[string]any); ok {
			o.flatten(prefix+name+".", inner)
			continue
		}
		o.Data[prefix+name] = plain(dataText(data[name]))
	}
}

// dataText writes a value as people do.
func dataText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = dataText(v[i])
		}
		return strings.Join(items, "; ")
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// plain drops control characters but tabs and the ends of lines.
func plain(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case unicode.IsControl(r) && r != '\n' && r != '\t':
			return -1
		}
		return r
	}, s)
}

// cutMark ends a text that goes on.
const cutMark = " … [cut]"

// longest returns the length of the longest text of the data, in bytes.
func (o *occurrence) longest() int {
	n := 0
	for _, s := range o.Data {
		n = max(n, len(s))
	}
	return n
}

// cut returns the occurrence with no text longer than n bytes and the mark.
func (o *occurrence) cut(n int) *occurrence {
	short := *o
	short.Data = make(map[string]string, len(o.Data))
	for name, s := range o.Data {
		if len(s) > n {
			s = s[:boundary(s, n)] + cutMark
		}
		short.Data[name] = s
	}
	return &short
}

// boundary returns the last place up to n where a text may be cut: not within
// a character, nor before one that changes the one before it.
func boundary(s string, n int) int {
	for n > 0 {
		after, _ := utf8.DecodeRuneInString(s[n:])
		before, _ := utf8.DecodeLastRuneInString(s[:n])
		if utf8.RuneStart(s[n]) && !joins(after) && before != joiner {
			return n
		}
		n--
	}
	return 0
}

// joiner makes one emoji of those on either side.
const joiner = '\u200d'

func joins(r rune) bool {
	return r == joiner || unicode.Is(unicode.M, r) || r >= 0x1F3FB && r <= 0x1F3FF
}
