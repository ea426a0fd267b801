package mapping

import (
	"strconv"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A scale is how finely a time is seen.
type scale struct {
	layout string   // of the canonical text
	read   []string // layouts accepted in texts
	unit   time.Duration
	strict bool // refuse what is not a whole number of units
	fault  fault
}

var (
	// day refuses times of day: which day they are on depends on a time zone
	// that nobody told.
	day = &scale{time.DateOnly, []string{time.DateOnly}, 24 * time.Hour, true,
		fault{"date.day", "write YYYY-MM-DD, or milliseconds since 1970 at midnight UTC"}}
	// moment refuses texts without a zone for the same reason.
	moment = &scale{"2006-01-02T15:04:05.000Z", []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"}, time.Millisecond, false,
		fault{"datetime.rfc3339", "write RFC 3339 with a zone, such as 2026-01-31T09:00:00Z, or milliseconds since 1970"}}
)

// timeCodec sees days or moments.
type timeCodec struct {
	scale *scale
	form  Form
}

func (c timeCodec) decode(raw sync.Value) (sync.Value, *fault) {
	s := strings.TrimSpace(raw.String())
	if s == "" {
		return sync.Value{}, nil
	}
	t, ok := c.scale.parse(s)
	if !ok || raw.IsList() || raw.IsBool() || t.Year() < 1 || t.Year() > 9999 {
		return sync.Value{}, &c.scale.fault
	}
	return sync.Text(t.Format(c.scale.layout)), nil
}

// parse reads milliseconds or text, in UTC.
func (s *scale) parse(text string) (time.Time, bool) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		t := time.UnixMilli(ms).UTC()
		return t, !s.strict || t.Equal(t.Truncate(s.unit))
	}
	text = strings.ToUpper(text) // RFC 3339 allows t and z
	for _, layout := range s.read {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func (c timeCodec) encode(v sync.Value) (sync.Value, *fault) {
	if c.form == FormText {
		return sync.Text(v.String()), nil
	}
	t, err := time.Parse(c.scale.layout, v.String())
	if err != nil {
		return sync.Value{}, &c.scale.fault
	}
	return c.form.write(strconv.FormatInt(t.UnixMilli(), 10)), nil
}
