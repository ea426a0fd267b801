package pgstore

import (
	"encoding/json"
	"strings"
)

// PostgreSQL's JSON functions refuse a whole document for one NUL in a text.
// So a NUL is stored as the private character U+E000 with a 0 behind it, and
// that character with a 1.
var (
	hideNUL = strings.NewReplacer(`\\`, `\\`, `\u0000`, "\uE0000", "\uE000", "\uE0001")
	showNUL = strings.NewReplacer("\uE0000", `\u0000`, "\uE0001", "\uE000")
)

// encode writes a value for a column of type json.
func encode(v any) (string, error) {
	data, err := json.Marshal(v)
	return hideNUL.Replace(string(data)), err
}

// decode reads what encode has written.
func decode(data string, v any) error {
	return json.Unmarshal([]byte(showNUL.Replace(data)), v)
}
