package urbanhub

import _ "embed" // for the schema

//go:embed hubspot.json
var hubspotSchema []byte

// HubSpotSchema returns what the maps of this package need of a HubSpot
// account, as the JSON that hubspot.ParseSchema reads: the property group
// bird_sync with the properties of contacts and deals, the key of activities,
// and the stages of the pipeline. A host with a pipeline of its own changes
// the ids after parsing; decisionmakerstage is no stage of a stock account.
func HubSpotSchema() []byte { return append([]byte(nil), hubspotSchema...) }
