package mapping

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// numberCodec sees decimal text without superfluous zeros. It moves digits
// about and never computes, so that nothing is rounded.
type numberCodec struct{ form Form }

// decimal has groups for sign, whole part, fraction, and exponent. The
// exponent is short lest a few characters ask for a billion zeros.
var decimal = regexp.MustCompile(`^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2}))?$`)

func (numberCodec) decode(raw sync.Value) (sync.Value, *fault) {
	if s, ok := canonicalNumber(strings.TrimSpace(raw.String())); ok && !raw.IsList() && !raw.IsBool() {
		return sync.Number(s), nil
	}
	return sync.Value{}, &fault{"number.format", "write digits with at most one decimal point and no thousands separators"}
}

func (c numberCodec) encode(v sync.Value) (sync.Value, *fault) { return c.form.write(v.String()), nil }

// canonicalNumber returns s as plain decimal text.
func canonicalNumber(s string) (string, bool) {
	m := decimal.FindStringSubmatch(s)
	if m == nil || m[2]+m[3] == "" {
		return "", false
	}
	whole, fraction := m[2], m[3]
	if m[4] != "" {
		exponent, err := strconv.Atoi(m[4])
		if err != nil {
			return "", false
		}
		whole, fraction = shift(whole, fraction, exponent)
	}
	whole = strings.TrimLeft(whole, "0")
	fraction = strings.TrimRight(fraction, "0")
	if whole == "" {
		whole = "0"
	}
	out := whole
	if fraction != "" {
		out += "." + fraction
	}
	if m[1] == "-" && out != "0" {
		out = "-" + out
	}
	return out, true
}

// shift moves the decimal point to the right by n places, or to the left.
func shift(whole, fraction string, n int) (string, string) {
	if n >= 0 {
		fraction += strings.Repeat("0", max(0, n-len(fraction)))
		return whole + fraction[:n], fraction[n:]
	}
	whole = strings.Repeat("0", max(0, -n-len(whole))) + whole
	at := len(whole) + n
	return whole[:at], whole[at:] + fraction
}
