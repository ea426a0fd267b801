package mapping

import (
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/urbanhub/crmsync/sync"
)

// anyCountry is the region that accepts only numbers with a country code.
const anyCountry = "ZZ"

// phoneCodec sees telephone numbers as E.164 text.
type phoneCodec struct{ region string }

func (c phoneCodec) decode(raw sync.Value) (sync.Value, *fault) {
	if f := single(raw); f != nil {
		return sync.Value{}, f
	}
	s := strings.TrimSpace(raw.String())
	if s == "" {
		return sync.Value{}, nil
	}
	n, err := phonenumbers.Parse(s, c.region)
	// A number that parses need not exist: 12345 does, as +112345.
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return sync.Value{}, &fault{"phone.e164", "write a valid number with its country code, such as +57 300 0000000"}
	}
	// E.164 has no place for an extension, and dropping it would lose it.
	if n.GetExtension() != "" {
		return sync.Value{}, &fault{"phone.extension", "keep the extension in a field of its own"}
	}
	return sync.Text(phonenumbers.Format(n, phonenumbers.E164)), nil
}

func (phoneCodec) encode(v sync.Value) (sync.Value, *fault) { return sync.Text(v.String()), nil }

// knownRegion reports whether phone numbers of a region are understood.
func knownRegion(region string) bool {
	return region == anyCountry || phonenumbers.GetSupportedRegions()[region]
}
