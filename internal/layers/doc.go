// Package layers holds no code. Its test keeps the layers of the module: what
// each package may reach through its imports, and their imports, and so on.
package layers
