package hubspottest

import (
	"regexp"
	"strings"
)

// unsafe are the parts of a body that do not come back: scripts, styles, comments and event handlers.
var unsafe = regexp.MustCompile(`(?is)<script\b.*?</script\s*>|<style\b.*?</style\s*>|<!--.*?-->|\son[a-z]+\s*=\s*("[^"]*"|'[^']*'|[^\s<>]+)`)

const (
	wrapOpen  = `<div style="" dir="auto" data-top-level="true">`
	wrapClose = `</div>`
)

// sanitise is the HTML that the vendor makes of the body of a note, task or meeting. The exact form is not published; what
// matters is that it is not what was written. A sanitised body stays as it is.
// https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
func sanitise(body string) string {
	for unsafe.MatchString(body) { // taking one part out may put another together
		body = unsafe.ReplaceAllString(body, "")
	}
	if strings.HasPrefix(body, wrapOpen) {
		return body
	}
	if !strings.HasPrefix(body, "<") {
		body = "<p>" + body + "</p>"
	}
	return wrapOpen + body + wrapClose
}
