package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/capture/evidence"
	"github.com/wsleuth/wsleuth/report"
)

// anonymity are the flags that take addresses and names out of what is written.
type anonymity struct {
	on      bool
	keyFile string

	packets *evidence.Anonymizer
	texts   *report.Anonymizer
}

func (a *anonymity) flags(c *cobra.Command) {
	c.Flags().BoolVar(&a.on, "anonymize", false, "replace addresses (networks stay together) and host names in all that is written; an evidence capture is stripped as well")
	c.Flags().StringVar(&a.keyFile, "anonymize-key", "", "anonymize the same way whenever this `FILE` is given; it is made if there is none")
}

// minAnonymizeKey is the shortest key: less could be guessed from one known address.
const minAnonymizeKey = 16

// prepare makes the anonymizer, if one is asked for.
func (a *anonymity) prepare() error {
	if a.keyFile != "" {
		a.on = true
	}
	if !a.on {
		return nil
	}
	key, err := a.key()
	if err != nil {
		return err
	}
	a.packets = evidence.NewAnonymizer(key)
	a.texts = report.NewAnonymizer(a.packets)
	return nil
}

// key reads the key, or makes one.
func (a *anonymity) key() ([]byte, error) {
	if a.keyFile != "" {
		key, err := os.ReadFile(a.keyFile)
		switch {
		case err == nil && len(key) < minAnonymizeKey:
			return nil, wrong("delete it, and a good one is made", "%s is too short for a key: %d bytes, at least %d are needed", a.keyFile, len(key), minAnonymizeKey)
		case err == nil:
			return key, nil
		case !errors.Is(err, fs.ErrNotExist):
			return nil, wrong("", "cannot read the key: %w", err)
		}
	}
	random := make([]byte, 32)
	rand.Read(random) // never fails
	key := []byte(hex.EncodeToString(random) + "\n")
	if a.keyFile != "" {
		if err := os.WriteFile(a.keyFile, key, 0o600); err != nil {
			return nil, wrong("", "cannot write the key: %w", err)
		}
	}
	return key, nil
}

// sink anonymizes what goes to a sink, if that is asked for.
func (a *anonymity) sink(to record.Sink) record.Sink {
	if a.texts == nil {
		return to
	}
	return a.texts.Sink(to)
}
