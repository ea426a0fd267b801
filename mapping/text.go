package mapping

import (
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// idCodec keeps ids to the letter.
type idCodec struct{ form Form }

func (idCodec) decode(raw sync.Value) (sync.Value, *fault) {
	return sync.Text(raw.String()), single(raw)
}

func (c idCodec) encode(v sync.Value) (sync.Value, *fault) { return c.form.write(v.String()), nil }

// textCodec folds blanks away.
type textCodec struct{ fold func(string) string }

func (c textCodec) decode(raw sync.Value) (sync.Value, *fault) {
	return sync.Text(c.fold(raw.String())), single(raw)
}

func (textCodec) encode(v sync.Value) (sync.Value, *fault) { return sync.Text(v.String()), nil }

// emailCodec folds blanks at the ends and case away. Dots and tags in the
// local part stay: only the mailbox's own host knows what they mean.
type emailCodec struct{}

func (emailCodec) decode(raw sync.Value) (sync.Value, *fault) {
	if f := single(raw); f != nil {
		return sync.Value{}, f
	}
	s := strings.ToLower(strings.TrimSpace(raw.String()))
	if s != "" && validate.Var(s, "email") != nil {
		return sync.Value{}, &fault{"email.format", "write one address, such as name@example.com"}
	}
	return sync.Text(s), nil
}

func (emailCodec) encode(v sync.Value) (sync.Value, *fault) { return sync.Text(v.String()), nil }
