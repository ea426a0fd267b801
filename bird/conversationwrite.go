package bird

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

const opUpdateConversation = "bird: update conversation"

// applyConversation carries out a write to a conversation.
func (a *Adapter) applyConversation(ctx context.Context, w sync.Write) sync.Result {
	edit, err := conversationEdit(w)
	if err != nil || len(w.Fields) == 0 {
		return sync.Result{Record: sync.Record{Ref: w.Ref}, Err: err}
	}
	sent := time.Now()
	a.talks.forget(w.Ref.ID, sent)
	c, res, err := a.editConversation(ctx, w.Ref.ID, edit)
	if err != nil {
		a.talks.forget(w.Ref.ID, time.Now())
		return sync.Result{Record: sync.Record{Ref: w.Ref}, Err: err, Call: callID(res)}
	}
	rec, whole := a.conversationRecord(c)
	if whole {
		a.talks.remember(c, sent)
	}
	return sync.Result{Record: rec, Complete: whole, Call: callID(res)}
}

// conversationEdit makes an edit of a write. A blank attribute is written as an
// empty text, which reads as none: attributes are documented as texts, and
// whether null takes one away is not told. A conversation is never without
// a status and a name, of which only the description may be null.
// See https://docs.bird.com/api/conversations-api/api-reference/conversations-api/update-conversation.
func conversationEdit(w sync.Write) (ConversationEdit, error) {
	e := ConversationEdit{Attributes: map[string]string{}}
	refuse := func(name, rule, hint, why string) (ConversationEdit, error) {
		return e, &sync.Error{Op: opUpdateConversation, Action: sync.Invalid, Ref: w.Ref, Field: name, Rule: rule, Hint: hint, Err: errors.New(why)}
	}
	switch {
	case w.Delete:
		return refuse("", "conversation.kept", "delete it in Bird", "conversations are not deleted from outside")
	case w.Ref.ID == "":
		return refuse("", "conversation.given", "leave the create key of Bird's side empty: conversations begin in Bird", "a conversation is not created")
	}
	for _, name := range slices.Sorted(maps.Keys(w.Fields)) {
		v := w.Fields[name]
		key, isAttribute := strings.CutPrefix(name, attributePrefix)
		switch {
		case key == "", !isAttribute && name != FieldStatus && name != FieldName:
			return refuse(name, "conversation.readonly", "map the field one way only; Bird gives it", "a "+v.Shape()+" cannot be written there")
		case v.IsList():
			return refuse(name, "conversation.text", "map the field to one text", "a "+v.Shape()+" cannot be written there")
		case isAttribute:
			e.Attributes[key] = v.String()
		case v.Blank():
			return refuse(name, "conversation.present", "let the field keep its value when the other side is blank", "it cannot be cleared")
		case name == FieldStatus:
			e.Status = v.String()
		default:
			e.Name = v.String()
		}
	}
	return e, nil
}
