// Package canary looks for secrets and personal data where none may be. It has
// tests only: they live through a bad day of a whole deployment in which every
// secret and every person is a canary, and then read all that it has told.
package canary
