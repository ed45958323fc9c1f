package known

import "github.com/wsleuth/wsleuth/analyze/record"

// bare: nobody wants texts of this connection, so none are made.
func bare(c *record.Connection) bool { return c.Facts != nil && c.Facts.Bare }
