package hubspottest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxText    = 65_536
	timeLayout = "2006-01-02T15:04:05.000Z"
	dateLayout = "2006-01-02"
)

// normalise turns a written value into the one the account keeps, or says what is wrong with it. "" clears and is always
// allowed. https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
func normalise(p *Property, value, current string) (string, *problem) {
	if p.Modification.ReadOnlyValue {
		return "", &problem{p.Name, "READ_ONLY_VALUE", fmt.Sprintf("%q is a calculated property; its value cannot be set.", p.Name)}
	}
	if value == "" {
		return "", nil
	}
	if len([]rune(value)) > maxText {
		// The vendor's code for this is not published.
		return "", &problem{p.Name, "VALUE_TOO_LONG", fmt.Sprintf("The value is longer than %d characters.", maxText)}
	}
	switch {
	case p.Name == propEmail && p.HubspotDefined:
		return normaliseEmail(p, value)
	case p.Name == propLifecycle:
		return normaliseLifecycle(p, value, current)
	case p.HubspotDefined && (p.Name == propPipeline || p.Name == propStage):
		return value, nil // the pipelines decide, over both together
	case p.Type == "number":
		return normaliseNumber(p, value)
	case p.Type == "date":
		return normaliseDate(p, value)
	case p.Type == "datetime":
		return normaliseDatetime(p, value)
	case p.Type == "bool":
		return oneOf(p, value, []Option{{Label: "Yes", Value: "true"}, {Label: "No", Value: "false"}})
	case p.Type == "enumeration" && p.FieldType == "checkbox":
		return normaliseMany(p, value, current)
	case p.Type == "enumeration":
		return oneOf(p, value, p.Options)
	}
	return value, nil
}

var emailForm = regexp.MustCompile(`^[^\s@,;<>"()]+@[^\s@,;<>"()]+\.([a-z]{2,})$`)

// reservedTLDs are refused by the vendor although they look right. example.com is accepted.
var reservedTLDs = []string{"test", "invalid", "localhost", "example"}

func normaliseEmail(p *Property, value string) (string, *problem) {
	email := foldEmail(value)
	m := emailForm.FindStringSubmatch(email)
	if m == nil || slices.Contains(reservedTLDs, m[1]) || strings.Contains(email, "..") {
		return "", &problem{p.Name, "INVALID_EMAIL", "Email address " + value + " is invalid"}
	}
	return email, nil
}

func foldEmail(v string) string { return strings.ToLower(strings.TrimSpace(v)) }

// normaliseLifecycle lets the stage move forward only: an earlier stage is accepted and ignored, unless it was cleared.
func normaliseLifecycle(p *Property, value, current string) (string, *problem) {
	v, bad := oneOf(p, value, p.Options)
	if bad == nil && slices.Index(lifecycleStages, v) < slices.Index(lifecycleStages, current) {
		return current, nil
	}
	return v, bad
}

var numberForm = regexp.MustCompile(`^-?(\d+\.?\d*|\.\d+)$`)

func normaliseNumber(p *Property, value string) (string, *problem) {
	if !numberForm.MatchString(value) {
		return "", &problem{p.Name, "INVALID_INTEGER", value + " was not a valid number."}
	}
	return value, nil
}

// normaliseDate takes a day, or epoch milliseconds at exactly midnight UTC.
func normaliseDate(p *Property, value string) (string, *problem) {
	if t, err := time.Parse(dateLayout, value); err == nil {
		return t.Format(dateLayout), nil
	}
	ms, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return "", &problem{p.Name, "INVALID_LONG", value + " was not a valid long."}
	}
	t := time.UnixMilli(ms).UTC()
	if !t.Equal(t.Truncate(24 * time.Hour)) {
		return "", &problem{p.Name, "INVALID_DATE", value + " is at " + t.Format("15:04:05.999") + " UTC, not midnight!"}
	}
	return t.Format(dateLayout), nil
}

func normaliseDatetime(p *Property, value string) (string, *problem) {
	if t, ok := parseTime(value); ok {
		return t.UTC().Format(timeLayout), nil
	}
	return "", &problem{p.Name, "INVALID_LONG", value + " was not a valid long."}
}

// parseTime reads ISO 8601 or epoch milliseconds.
func parseTime(value string) (time.Time, bool) {
	if ms, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), true
	}
	for _, layout := range []string{time.RFC3339Nano, dateLayout} {
		if t, err := time.Parse(layout, value); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func oneOf(p *Property, value string, options []Option) (string, *problem) {
	if slices.ContainsFunc(options, func(o Option) bool { return o.Value == value }) {
		return value, nil
	}
	allowed := make([]string, len(options))
	for i, o := range options {
		allowed[i] = fmt.Sprintf("label: %q\nvalue: %q\n", o.Label, o.Value)
	}
	return "", &problem{p.Name, "INVALID_OPTION", fmt.Sprintf("%s was not one of the allowed options: [%s]", value, strings.Join(allowed, ", "))}
}

// normaliseMany takes "a;b", which replaces, or ";c", which adds to what is there.
func normaliseMany(p *Property, value, current string) (string, *problem) {
	var kept []string
	if strings.HasPrefix(value, ";") && current != "" {
		kept = strings.Split(current, ";")
	}
	for v := range strings.SplitSeq(strings.Trim(value, ";"), ";") {
		if _, bad := oneOf(p, v, p.Options); bad != nil {
			return "", bad
		}
		if !slices.Contains(kept, v) {
			kept = append(kept, v)
		}
	}
	return strings.Join(kept, ";"), nil
}
