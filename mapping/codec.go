package mapping

import (
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// A codec translates between the raw values of one side and the canonical
// ones. Both are never blank. It has no state.
type codec interface {
	decode(raw sync.Value) (sync.Value, *fault)
	encode(canonical sync.Value) (sync.Value, *fault)
}

// A kind of field: the forms it may be written in, the default first, and how
// its codec is made.
type kind struct {
	forms []Form
	codec func(f *Field, s sync.Side, form Form) codec
}

var kinds = map[Type]kind{
	TypeID:       {[]Form{FormText, FormNumber}, func(_ *Field, _ sync.Side, form Form) codec { return idCodec{form} }},
	TypeText:     {[]Form{FormText}, func(*Field, sync.Side, Form) codec { return textCodec{strings.TrimSpace} }},
	TypeTemplate: {[]Form{FormText}, func(*Field, sync.Side, Form) codec { return textCodec{strings.TrimSpace} }},
	TypeName:     {[]Form{FormText}, func(*Field, sync.Side, Form) codec { return textCodec{collapse} }},
	TypeEmail:    {[]Form{FormText}, func(*Field, sync.Side, Form) codec { return emailCodec{} }},
	TypePhone:    {[]Form{FormText}, func(f *Field, _ sync.Side, _ Form) codec { return phoneCodec{f.Region} }},
	TypeEnum:     {[]Form{FormText, FormNumber, FormBool}, newEnumCodec},
	TypeNumber:   {[]Form{FormText, FormNumber}, func(_ *Field, _ sync.Side, form Form) codec { return numberCodec{form} }},
	TypeBool:     {[]Form{FormText, FormBool}, func(_ *Field, _ sync.Side, form Form) codec { return boolCodec{form} }},
	TypeDate:     {[]Form{FormText, FormEpochMS, FormEpochMSText}, func(_ *Field, _ sync.Side, form Form) codec { return timeCodec{day, form} }},
	TypeDateTime: {[]Form{FormText, FormEpochMS, FormEpochMSText}, func(_ *Field, _ sync.Side, form Form) codec { return timeCodec{moment, form} }},
	TypeMulti:    {[]Form{FormSemicolon, FormList}, func(_ *Field, _ sync.Side, form Form) codec { return multiCodec{form} }},
}

// write gives a canonical text the raw form.
func (form Form) write(s string) sync.Value {
	switch form {
	case FormNumber, FormEpochMS:
		return sync.Number(s)
	case FormBool:
		return sync.Bool(s == "true")
	}
	return sync.Text(s)
}

// single refuses lists where one value is wanted.
func single(raw sync.Value) *fault {
	if raw.IsList() {
		return &fault{"single", "map one item, or use type multi"}
	}
	return nil
}
