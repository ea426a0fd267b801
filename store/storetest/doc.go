// Package storetest is the conformance suite for implementations of
// [sync.Store]. It holds a store to every promise in the comments of that
// interface: links that no two workers can make at once, commits that are all
// or nothing, intents that outlive a crash, an audit without gaps, cursors
// that move by compare-and-set, and values that come back as they went in.
//
// Call [Run] from a test of the implementation. Times are compared to the
// microsecond, which every database can keep. IDs are compared and ordered
// byte by byte, so a database must not apply the collation of a language.
package storetest
