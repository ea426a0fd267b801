package bird

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// The forms of times. A model that fills in the arguments of an AI employee's
// action writes them in many ways; these leave no doubt but for the zone.
var (
	momentLayouts = []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00"}
	localLayouts  = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04",
		"2006-01-02 3:04 PM", "2006-01-02 3:04PM", "2006-01-02 3 PM", "2006-01-02 3PM"}
)

// parseMoment reads a time; one without a zone is in the location.
func parseMoment(text string, location *time.Location) (time.Time, bool) {
	text = strings.ToUpper(strings.Join(strings.Fields(text), " "))
	for _, layout := range momentLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	for _, layout := range localLayouts {
		if t, err := time.ParseInLocation(layout, text, location); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// refine gives the fields that have a type their form, and says which of them
// cannot be read.
func (c *flowCall) refine(location *time.Location) []string {
	c.occurred, _ = parseMoment(c.text(flowOccurredAt), location)
	var problems []string
	if c.joinDate(); c.fields[flowStarts] != nil && onlyDate(c.text(flowStarts)) && c.paths[flowTime] != "" {
		problems = append(problems, c.problem(flowTime, "is missing or empty, and a date alone is no time"))
	} else if p := c.refineTime(flowStarts, location); p != "" {
		problems = append(problems, p)
	}
	if p := c.refineTime(flowEnds, location); p != "" {
		problems = append(problems, p)
	}
	if p := c.refineNumber(flowScore); p != "" {
		problems = append(problems, p)
	}
	return problems
}

func onlyDate(text string) bool {
	_, err := time.Parse(time.DateOnly, strings.TrimSpace(text))
	return err == nil
}

// joinDate makes starts_at of a date and a time that stand apart.
func (c *flowCall) joinDate() {
	start := cmp.Or(c.text(flowStarts), c.text(flowDate))
	if onlyDate(start) && c.text(flowTime) != "" {
		start += " " + c.text(flowTime)
	}
	if start != "" {
		c.fields[flowStarts] = start
	}
}

func (c *flowCall) refineTime(name string, location *time.Location) string {
	if c.fields[name] == nil {
		return ""
	}
	text := c.text(name)
	moment, ok := parseMoment(text, location)
	if !ok {
		return c.problem(name, "is no time: write it like 2026-01-25T10:00:00-05:00, or like 2026-01-25 10:00 in the account's zone; it is a "+sync.Text(text).Shape())
	}
	c.fields[name] = moment.Format(time.RFC3339)
	return ""
}

func (c *flowCall) refineNumber(name string) string {
	if c.fields[name] == nil {
		return ""
	}
	number := sync.Number(strings.TrimSpace(c.text(name)))
	if !number.IsNumber() || strings.ContainsAny(number.String(), "eE") {
		return c.problem(name, "is no number: write it like 85 or 0.85; it is a "+number.Shape())
	}
	c.fields[name] = json.Number(number.String())
	return ""
}

// phones returns one or several phones with their "+", as Bird keeps them.
func phones(v any) any {
	items, ok := v.([]any)
	if !ok {
		if text := textOf(v); text != "" {
			return international(text)
		}
		return v
	}
	out := make([]any, len(items))
	for i := range items {
		out[i] = phones(items[i])
	}
	return out
}
