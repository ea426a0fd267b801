package hubspottest

import (
	"strings"
	"unicode"
)

// twoDigitCodes are the international dialling codes of two digits; 1 and 7 have one, all others three (ITU E.164).
const twoDigitCodes = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "

// searchablePhone is what the vendor indexes: the digits, without the country code where the number says it has one.
// https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
func searchablePhone(phone string) string {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, phone)
	if !strings.HasPrefix(strings.TrimSpace(phone), "+") || len(digits) < 7 {
		return digits
	}
	switch {
	case digits[0] == '1' || digits[0] == '7':
		return digits[1:]
	case strings.Contains(twoDigitCodes, " "+digits[:2]+" "):
		return digits[2:]
	}
	return digits[3:]
}
