package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/wsleuth/wsleuth/capture"
)

const (
	progressAfter = time.Second // a shorter read needs no bar
	progressEvery = 200 * time.Millisecond
	progressWidth = 24
)

// startProgress draws a bar until the function that it gives is called. There
// is none unless w is a terminal.
func startProgress(w io.Writer, counters *capture.Progress) (stop func()) {
	terminal, columns := terminalOf(w)
	if !terminal {
		return func() {}
	}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		began := time.Now()
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		drawn := false
		for {
			select {
			case <-done:
				if drawn {
					fmt.Fprint(w, "\r\x1b[K")
				}
				return
			case now := <-ticker.C:
				if elapsed := now.Sub(began); elapsed >= progressAfter {
					line := progressLine(counters.BytesRead.Load(), counters.BytesTotal.Load(), counters.Packets.Load(), elapsed)
					if runes := []rune(line); columns > 1 && len(runes) >= columns {
						line = string(runes[:columns-1])
					}
					fmt.Fprint(w, "\r"+line+"\x1b[K")
					drawn = true
				}
			}
		}
	}()
	return sync.OnceFunc(func() { close(done); <-gone })
}

// progressLine is the bar with rate and time left; without a total it has neither bar nor time left.
func progressLine(read, total, packets int64, elapsed time.Duration) string {
	rate := float64(read) / elapsed.Seconds()
	speed := amount(int64(rate)) + "/s"
	if total <= 0 || read <= 0 {
		return fmt.Sprintf("%s read, %d packets, %s", amount(read), packets, speed)
	}
	share := min(float64(read)/float64(total), 1)
	full := int(share * progressWidth)
	left := time.Duration(float64(max(total-read, 0)) / rate * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("[%s%s] %3.0f%%  %s of %s  %s  %s left", strings.Repeat("#", full), strings.Repeat("-", progressWidth-full),
		share*100, amount(read), amount(total), speed, left)
}
