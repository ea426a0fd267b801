package sync

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// listSep joins the items of a list inside a Value. It is the ASCII unit
// separator, which no CRM lets a person type into a field.
const listSep = "\x1f"

type valueType uint8

const (
	typeNull valueType = iota
	typeText
	typeNumber
	typeBool
	typeList
)

// A Value is one field's value as a system stores it: nothing, a text, a
// number, a boolean, or a list of texts. Values are immutable and comparable
// with ==; the zero Value is null. Numbers keep their decimal text, so no
// digit is ever lost to floating point.
type Value struct {
	typ  valueType
	text string
}

// Text returns a text value. Text("") is an empty text, which most systems
// treat like null; see [Value.Blank]. Bytes that are not UTF-8 become U+FFFD, as in
// JSON.
func Text(s string) Value { return Value{typeText, strings.ToValidUTF8(s, "\uFFFD")} }

// Number returns a number given as decimal text, such as "12.50". What JSON
// does not know as a number, such as "007", stays a text.
func Number(decimal string) Value {
	if !isNumber(decimal) {
		return Text(decimal)
	}
	return Value{typeNumber, decimal}
}

func isNumber(s string) bool {
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	return s != "" && (s[0] == '-' || digit(s[0])) && digit(s[len(s)-1]) && json.Valid([]byte(s))
}

// Bool returns a boolean value.
func Bool(b bool) Value {
	if b {
		return Value{typeBool, "true"}
	}
	return Value{typeBool, "false"}
}

// List returns a list of texts. Items must not contain the unit separator
// (U+001F); it is removed from them.
func List(items ...string) Value {
	if len(items) == 0 {
		return Value{typ: typeList}
	}
	clean := make([]string, len(items))
	for i, s := range items {
		clean[i] = strings.ToValidUTF8(strings.ReplaceAll(s, listSep, ""), "\uFFFD")
	}
	return Value{typeList, strings.Join(clean, listSep)}
}

// Null reports whether v is the zero Value: no value at all.
func (v Value) Null() bool { return v.typ == typeNull }

// Blank reports whether v says nothing: null, an empty text or an empty list.
func (v Value) Blank() bool { return v.text == "" }

// IsList reports whether v is a list.
func (v Value) IsList() bool { return v.typ == typeList }

// IsNumber reports whether v is a number.
func (v Value) IsNumber() bool { return v.typ == typeNumber }

// IsBool reports whether v is a boolean.
func (v Value) IsBool() bool { return v.typ == typeBool }

// String returns the value as text; the items of a list are joined by ";".
func (v Value) String() string {
	if v.typ == typeList {
		return strings.ReplaceAll(v.text, listSep, ";")
	}
	return v.text
}

// Items returns the items of a list, or the value itself as the only item; a
// blank value has none.
func (v Value) Items() []string {
	if v.Blank() {
		return nil
	}
	if v.typ != typeList {
		return []string{v.text}
	}
	return strings.Split(v.text, listSep)
}

// Shape describes v without revealing it, for errors and logs: its type and
// length, such as "text of 12 characters".
func (v Value) Shape() string {
	switch v.typ {
	case typeNull:
		return "null"
	case typeNumber:
		return fmt.Sprintf("number of %d digits", len(v.text))
	case typeBool:
		return "boolean"
	case typeList:
		return fmt.Sprintf("list of %d items", len(v.Items()))
	default:
		return fmt.Sprintf("text of %d characters", len([]rune(v.text)))
	}
}

// Digest returns a short fingerprint by which two sightings of a value can be
// compared without keeping it. Two values share one by chance once in 2^64; it
// hides little.
func (v Value) Digest() string {
	h := fnv.New64a()
	h.Write([]byte(v.String()))
	return strconv.FormatUint(h.Sum64(), 36)
}

// MarshalJSON encodes v as the JSON value of its type.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.typ {
	case typeNull:
		return []byte("null"), nil
	case typeNumber, typeBool:
		return []byte(v.text), nil
	case typeList:
		items := v.Items()
		if items == nil {
			items = []string{}
		}
		return json.Marshal(items)
	default:
		return json.Marshal(v.text)
	}
}

// UnmarshalJSON decodes what MarshalJSON writes. Items of a list that are not
// texts are kept as their JSON text; an object is kept as its JSON text.
func (v *Value) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return fmt.Errorf("sync: empty JSON value")
	}
	switch data[0] {
	case 'n':
		*v = Value{}
	case 't', 'f':
		*v = Bool(data[0] == 't')
	case '"':
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		*v = Text(s)
	case '[':
		var raw []json.RawMessage
		if err := json.Unmarshal(data, &raw); err != nil {
			return err
		}
		items := make([]string, len(raw))
		for i, r := range raw {
			if json.Unmarshal(r, &items[i]) != nil {
				items[i] = string(r)
			}
		}
		*v = List(items...)
	case '{':
		*v = Text(string(data))
	default:
		*v = Number(string(data))
	}
	return nil
}
