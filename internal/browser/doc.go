// Package browser holds no code. Its tests open the quickstart's dashboard in a
// real Chromium and do there what a newcomer does; axe-core looks at every
// screen. It is a module of its own, so that nobody who uses crmsync gets the
// driver of a browser with it.
//
//	make browser
//
// axe-core 4.14.1 is in testdata under the Mozilla Public License 2.0, unchanged:
// https://www.npmjs.com/package/axe-core/v/4.14.1
package browser
