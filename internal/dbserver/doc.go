// Package dbserver finds the PostgreSQL and Redis that a machine has and
// prepares them, for internal/servers, which starts one of each for all tests,
// and for pgtest and redistest, which start some for a single test.
package dbserver
