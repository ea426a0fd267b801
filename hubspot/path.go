package hubspot

import (
	"net/http"
	"net/url"
	"strings"
)

// An operation is one of the calls that the adapter makes.
type operation string

// The operations on records.
const (
	opGet     operation = "read one"
	opRead    operation = "batch read"
	opCreate  operation = "batch create"
	opUpdate  operation = "batch update"
	opUpsert  operation = "batch upsert"
	opArchive operation = "batch archive"
	opSearch  operation = "search"
	opMerge   operation = "merge"
	opErase   operation = "gdpr delete"
)

// The operations on associations.
const (
	opAssociate    operation = "batch associate"
	opAssociations operation = "batch read associations"
	opDissociate   operation = "batch remove associations"
	opUnlabel      operation = "batch remove labels"
	opLabels       operation = "list labels"
)

// The operations on the account and its schema.
const (
	opAccount        operation = "read account"
	opOwners         operation = "list owners"
	opPipelines      operation = "list pipelines"
	opProperties     operation = "list properties"
	opProperty       operation = "read property"
	opCreateProperty operation = "create property"
	opUpdateProperty operation = "update property"
	opGroups         operation = "list property groups"
	opCreateGroup    operation = "create property group"
)

// The operations by which workflows are started and answered.
const (
	opSendEvents       operation = "send events"
	opSendEventsGuide  operation = "send events by the path of the guide"
	opDefinitions      operation = "list event definitions"
	opDefinitionsGuide operation = "list event definitions by the path of the guide"
	opDefineEvent      operation = "define event"
	opDefineEventGuide operation = "define event by the path of the guide"
	opCompleteActions  operation = "complete actions"
	opCompleteAction   operation = "complete action"
)

// The operations on the journal.
const (
	opJournalEarliest    operation = "journal earliest"
	opJournalLatest      operation = "journal latest"
	opJournalNext        operation = "journal next"
	opJournalSubscribe   operation = "journal subscribe"
	opJournalSubscribed  operation = "journal subscriptions"
	opJournalUnsubscribe operation = "journal unsubscribe"
)

// opToken asks for an access token, opTokenInfo for what one may do.
const (
	opToken     operation = "token"
	opTokenInfo operation = "token info"
)

// A path is an operation's method and place for the legacy and the dated
// family of versions, with {version}, {object}, {id} and {to} to be filled in.
type path struct {
	method, legacy, dated string
	// odd holds the versions that stand apart from their family.
	odd map[string]string
}

// pathTable holds the path of each operation: the place of the version differs
// from API to API, so paths are data. Source:
// https://developers.hubspot.com/docs/api-reference/legacy/migration-guide
var pathTable = map[operation]path{
	opGet:     {http.MethodGet, "/crm/v3/objects/{object}/{id}", "/crm/objects/{version}/{object}/{id}", nil},
	opRead:    {http.MethodPost, "/crm/v3/objects/{object}/batch/read", "/crm/objects/{version}/{object}/batch/read", nil},
	opCreate:  {http.MethodPost, "/crm/v3/objects/{object}/batch/create", "/crm/objects/{version}/{object}/batch/create", nil},
	opUpdate:  {http.MethodPost, "/crm/v3/objects/{object}/batch/update", "/crm/objects/{version}/{object}/batch/update", nil},
	opUpsert:  {http.MethodPost, "/crm/v3/objects/{object}/batch/upsert", "/crm/objects/{version}/{object}/batch/upsert", nil},
	opArchive: {http.MethodPost, "/crm/v3/objects/{object}/batch/archive", "/crm/objects/{version}/{object}/batch/archive", nil},
	opSearch:  {http.MethodPost, "/crm/v3/objects/{object}/search", "/crm/objects/{version}/{object}/search", nil},
	opMerge:   {http.MethodPost, "/crm/v3/objects/{object}/merge", "/crm/objects/{version}/{object}/merge", nil},
	opErase:   {http.MethodPost, "/crm/v3/objects/{object}/gdpr-delete", "/crm/objects/{version}/{object}/gdpr-delete", nil},

	opAssociate:    {http.MethodPost, "/crm/v4/associations/{object}/{to}/batch/create", "/crm/associations/{version}/{object}/{to}/batch/create", nil},
	opAssociations: {http.MethodPost, "/crm/v4/associations/{object}/{to}/batch/read", "/crm/associations/{version}/{object}/{to}/batch/read", nil},
	opDissociate:   {http.MethodPost, "/crm/v4/associations/{object}/{to}/batch/archive", "/crm/associations/{version}/{object}/{to}/batch/archive", nil},
	opUnlabel:      {http.MethodPost, "/crm/v4/associations/{object}/{to}/batch/labels/archive", "/crm/associations/{version}/{object}/{to}/batch/labels/archive", nil},
	opLabels:       {http.MethodGet, "/crm/v4/associations/{object}/{to}/labels", "/crm/associations/{version}/{object}/{to}/labels", nil},

	opAccount:        {http.MethodGet, "/account-info/v3/details", "/account-info/{version}/details", nil},
	opOwners:         {http.MethodGet, "/crm/v3/owners", "/crm/owners/{version}", nil},
	opPipelines:      {http.MethodGet, "/crm/v3/pipelines/{object}", "/crm/pipelines/{version}/{object}", nil},
	opProperties:     {http.MethodGet, "/crm/v3/properties/{object}", "/crm/properties/{version}/{object}", nil},
	opProperty:       {http.MethodGet, "/crm/v3/properties/{object}/{id}", "/crm/properties/{version}/{object}/{id}", nil},
	opCreateProperty: {http.MethodPost, "/crm/v3/properties/{object}", "/crm/properties/{version}/{object}", nil},
	opUpdateProperty: {http.MethodPatch, "/crm/v3/properties/{object}/{id}", "/crm/properties/{version}/{object}/{id}", nil},
	opGroups:         {http.MethodGet, "/crm/v3/properties/{object}/groups", "/crm/properties/{version}/{object}/groups", nil},
	opCreateGroup:    {http.MethodPost, "/crm/v3/properties/{object}/groups", "/crm/properties/{version}/{object}/groups", nil},

	opSendEvents: {http.MethodPost, "/events/v3/send/batch", "/events/custom/{version}/send/batch",
		map[string]string{"2026-03": "/events/2026-03/send/batch"}},
	opSendEventsGuide: {http.MethodPost, "/events/v3/send/batch", "/events/custom/{version}/send/batch", nil},
	opDefinitions: {http.MethodGet, "/events/v3/event-definitions", "/events/custom/{version}/event-definitions",
		map[string]string{"2026-03": "/events/2026-03/event-definitions"}},
	opDefineEvent: {http.MethodPost, "/events/v3/event-definitions", "/events/custom/{version}/event-definitions",
		map[string]string{"2026-03": "/events/2026-03/event-definitions"}},
	opDefinitionsGuide: {http.MethodGet, "/events/v3/event-definitions", "/events/custom/{version}/event-definitions", nil},
	opDefineEventGuide: {http.MethodPost, "/events/v3/event-definitions", "/events/custom/{version}/event-definitions", nil},

	opCompleteActions: {http.MethodPost, "/automation/v4/actions/callbacks/complete", "/automation/actions/callbacks/{version}/complete", nil},
	opCompleteAction:  {http.MethodPost, "/automation/v4/actions/callbacks/{id}/complete", "/automation/actions/callbacks/{version}/{id}/complete", nil},

	opJournalEarliest:    {http.MethodGet, "/webhooks-journal/journal/v4/earliest", "/webhooks-journal/journal/{version}/earliest", nil},
	opJournalLatest:      {http.MethodGet, "/webhooks-journal/journal/v4/latest", "/webhooks-journal/journal/{version}/latest", nil},
	opJournalNext:        {http.MethodGet, "/webhooks-journal/journal/v4/offset/{id}/next", "/webhooks-journal/journal/{version}/offset/{id}/next", nil},
	opJournalSubscribe:   {http.MethodPost, "/webhooks-journal/subscriptions/v4", "/webhooks-journal/subscriptions/{version}", nil},
	opJournalSubscribed:  {http.MethodGet, "/webhooks-journal/subscriptions/v4", "/webhooks-journal/subscriptions/{version}", nil},
	opJournalUnsubscribe: {http.MethodDelete, "/webhooks-journal/subscriptions/v4/{id}", "/webhooks-journal/subscriptions/{version}/{id}", nil},

	opToken:     {http.MethodPost, "/oauth/v3/token", "/oauth/{version}/token", nil},
	opTokenInfo: {http.MethodPost, "/oauth/v2/private-apps/get/access-token-info", "/oauth/v2/private-apps/get/access-token-info", nil},
}

// A target is what an operation is aimed at, as far as its path and query say.
type target struct {
	object, to, id string
	query          url.Values
}

// path returns the operation's path in a version of the API.
func (op operation) path(version string, at target) string {
	p := pathTable[op]
	form := p.dated
	if odd, ok := p.odd[version]; ok {
		form = odd
	} else if version == "v3" {
		form = p.legacy
	}
	return strings.NewReplacer("{version}", version, "{object}", at.object, "{to}", at.to, "{id}", url.PathEscape(at.id)).Replace(form)
}

// String names the operation in errors and logs.
func (op operation) String() string { return "hubspot: " + string(op) }
