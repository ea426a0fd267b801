package hubspottest

import (
	"time"
)

// journalVerbs are the journal's words for the kinds of event.
var journalVerbs = map[string]string{
	created{}.kind(): "CREATE", propertyChanged{}.kind(): "UPDATE", deleted{}.kind(): "DELETE",
	merged{}.kind(): "MERGE", restored{}.kind(): "RESTORE", privacyDeleted{}.kind(): "GDPR_DELETE",
}

// journalise tells the app's journal what the webhooks are told. The lock is held.
func (a *Account) journalise(o *object, kind string, p payload) {
	j := a.server.journal
	if j.idle() {
		return
	}
	e := a.journalEvent(p)
	e.Type, e.Action, e.ObjectTypeID, e.ObjectID = "crmObject", journalVerbs[kind], o.typ.id, o.id
	if p.NewObjectID != 0 {
		e.ObjectID, e.MergedObjectIDs = p.NewObjectID, p.MergedObjectIDs
	}
	if p.PropertyName != "" {
		e.PropertyChanges = map[string]*string{p.PropertyName: orNull(*p.PropertyValue)}
	}
	if j.watchesValues() {
		e.seen = o.values()
	}
	j.record(e)
}

// journaliseLink is journalise for an association.
func (a *Account) journaliseLink(p payload) {
	j := a.server.journal
	if j.idle() {
		return
	}
	e := a.journalEvent(p)
	e.Type, e.Action = "association", "ASSOCIATION_ADDED"
	if *p.AssociationRemoved {
		e.Action = "ASSOCIATION_REMOVED"
	}
	e.journalLink = &journalLink{
		FromTypeID: p.FromObjectTypeID, FromID: p.FromObjectID, ToTypeID: p.ToObjectTypeID, ToID: p.ToObjectID,
		TypeID: p.AssociationTypeID, Category: "HUBSPOT_DEFINED", Primary: *p.IsPrimary,
	}
	j.record(e)
}

func (a *Account) journalEvent(p payload) *journalEvent {
	at := time.UnixMilli(p.OccurredAt).UTC()
	return &journalEvent{PortalID: p.PortalID, OccurredAt: at.Format(timeLayout), at: at, write: a.writes}
}
