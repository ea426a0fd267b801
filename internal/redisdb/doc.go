// Package redisdb is what redisqueue and redisstore share: Lua scripts that
// load themselves, errors of the server in the words of package sync, and a
// look at how much the server may lose.
package redisdb
