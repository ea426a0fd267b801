package urbanhub

import _ "embed" // for the schema

//go:embed bird.json
var birdSchema []byte

// BirdSchema returns what the maps of this package need of a Bird workspace,
// as the JSON that bird.ParseSchema reads: the attributes of contacts, the
// identifier that keeps HubSpot's id, the webhooks about conversations and
// WhatsApp messages, and the Flows and AI actions that a person creates. A
// host fills in the endpoint after parsing, and adds the events of its other
// platforms.
func BirdSchema() []byte { return append([]byte(nil), birdSchema...) }
