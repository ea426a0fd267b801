package mapping

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// functions are what templates may call beside the built-in functions of
// text/template: pure ones, of texts and times.
func functions(zone *time.Location) map[string]any {
	return map[string]any{
		"format": func(layout string, t any) (string, error) {
			return timed(t, func(t time.Time) string { return t.In(zone).Format(layout) })
		},
		"epoch": func(t any) (string, error) {
			return timed(t, func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) })
		},
		"iso": func(t any) (string, error) {
			return timed(t, func(t time.Time) string { return t.UTC().Format(moment.layout) })
		},
		"plus":    plus,
		"zone":    zone.String,
		"default": fallback,
		"upper":   strings.ToUpper,
		"lower":   strings.ToLower,
		"title":   sentence,
		"lines":   func(s string) []string { return strings.Split(s, "\n") },
	}
}

// errTime tells that something is no moment, without repeating it.
var errTime = errors.New("not a time: " + moment.fault.hint)

// timed writes a moment, given as one or as text; nothing stays "".
func timed(v any, write func(time.Time) string) (string, error) {
	t, err := asTime(v)
	if err != nil || t.IsZero() {
		return "", err
	}
	return write(t), nil
}

func asTime(v any) (time.Time, error) {
	switch v := v.(type) {
	case time.Time:
		return v, nil
	case string:
		if strings.TrimSpace(v) == "" {
			return time.Time{}, nil
		}
		if t, ok := moment.parse(strings.TrimSpace(v)); ok {
			return t, nil
		}
	}
	return time.Time{}, errTime
}

// plus returns a moment later by a duration such as "1h30m".
func plus(d string, v any) (time.Time, error) {
	by, err := time.ParseDuration(d)
	if err != nil {
		return time.Time{}, errors.New("not a duration such as 1h30m")
	}
	t, err := asTime(v)
	if err != nil || t.IsZero() {
		return t, err
	}
	return t.Add(by), nil
}

// fallback returns s, or the default where s says nothing.
func fallback(other, s string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}

// sentence writes a name such as "tour.scheduled" for people: "Tour scheduled".
func sentence(name string) string {
	s := strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '_' || r == '-' || unicode.IsSpace(r) }), " ")
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + s[size:]
}
