package sqlitedb

import (
	"context"
	"embed"
	"fmt"
)

// applicationID marks our files among those of other programs: "crms".
const applicationID = 0x63726d73

//go:embed migrations
var migrations embed.FS

// version is the schema that this program knows: the number of migrations.
const version = 2

// migrate makes the tables, or brings them up to date.
func migrate(tx *Tx) error {
	found, err := schema(context.Background(), tx.Conn)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return err
	}
	for v := found + 1; v <= version; v++ {
		script, err := migrations.ReadFile(fmt.Sprintf("migrations/%04d.sql", v))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(string(script)); err != nil {
			return err
		}
		if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", v)); err != nil {
			return err
		}
	}
	return nil
}

// schema returns the version of the file's schema, 0 for an empty file, and
// refuses a file that is not ours to change.
func schema(ctx context.Context, c *Conn) (int64, error) {
	row, err := c.One(ctx, `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`)
	if err != nil {
		return 0, err
	}
	switch id, found, objects := row.Int(0), row.Int(1), row.Int(2); {
	case id == 0 && objects == 0:
		return 0, nil
	case id != applicationID:
		return 0, refuse(opOpen, "sqlite.foreign", "the file is a database of another program", "name another file")
	case found > version:
		return 0, refuse(opOpen, "sqlite.version", fmt.Sprintf("the file has schema %d, this program knows %d", found, version),
			"start the newer program that made it, or put back a backup from before it")
	default:
		return found, nil
	}
}
