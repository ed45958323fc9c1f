package closing

import (
	"fmt"
	"time"

	"github.com/wsleuth/wsleuth/analyze/catalog/known"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/rule"
)

var WS716 = &rule.Rule{
	Code: "WS716", Slug: "idle-timeout", Family: "closing", Since: "1.0.0",
	Title:    "The connection was cut after a silence that a timer explains",
	Severity: record.Error, Fault: record.FaultIntermediary,
	Text: rule.Text{
		Seen: "Neither side had sent anything for a while, then the connection was cut, without a Close frame, after just the time at which timers run out.",
		Why:  "Users are disconnected whenever the application is quiet, always after the same time, and report 'it drops after a minute'.",
		How: "The time from the last byte of payload in either direction to the FIN or RST is measured; TCP keep-alives do not count, as most proxies do not see them. It is a whole number of seconds or fits a known default. " +
			"Where data after the silence was answered by a RST, a device had forgotten the connection. Timers that fit are named: consistent with them, not proven.",
		Alike: "An application with a timer of its own, a client that closes after a fixed time without a Close frame, and plain chance (one silence in five ends near a whole second) look the same. Several connections cut after the same silence (WS803) settle it.",
		Fix: "Send a Ping from the server more often than the shortest timer on the way (every 20 to 30 seconds is usual), or raise the timer of the proxy: nginx proxy_read_timeout, HAProxy timeout tunnel, the load balancer's idle timeout. " +
			"TCP keep-alive does not help at proxies and Application Load Balancers.",
	},
	References: []string{"RFC 6455 section 5.5.2", "https://nginx.org/en/docs/http/websocket.html", "https://docs.haproxy.org/3.0/configuration.html#4.2-timeout%20tunnel",
		"https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html"},
	Explains: []string{"WS701", "WS205", "WS616", "WS561"},
	Needs:    rule.NoClose,
	Check:    checkIdle,
}

func checkIdle(c *record.Connection, r *rule.Reporter) {
	end, ok := cutOf(c)
	if !ok {
		end, ok = darkCut(c)
	}
	if !ok || r.Has("WS208") || r.Has("WS211") {
		return
	}
	silence, fits, ok := idle(c, end)
	if !ok {
		return
	}
	_, from, broken := silenceOf(c, end)
	product, proxy := known.ProductOf(c)
	f := rule.Found{Confidence: record.Likely}
	if !proxy && known.OneHost(c) {
		f.Fault = end.by.Fault() // nothing stands between two programs of one host
	}
	if len(fits) == 0 && silence.Round(time.Second)%(5*time.Second) != 0 {
		f.Confidence = record.Possible
	}
	if r.Enough(f) {
		return
	}
	f.SeenByUser, f.Remedy = known.UserSaw(c, known.SawAbnormal), known.Remedy(timerProduct(fits, product), known.IdleTimeout)
	if broken.Seen() {
		f.Title = fmt.Sprintf("Data after %s of silence was answered by a RST: the path had forgotten the connection", known.Seconds(silence))
		if f.Fault != "" { // nothing stands between
			f.Title = fmt.Sprintf("Data after %s of silence was answered by a RST: %s no longer had the connection", known.Seconds(silence), known.Side(c, end.by))
		}
		f.Evidence = []record.Evidence{r.At(from, "last data before the silence"), r.At(broken, "data after %s of silence", known.Seconds(silence)), r.At(end.at, "%s in answer", end.how)}
	} else {
		f.Title = fmt.Sprintf("%s cut the connection (%s) after %s of silence in both directions", known.SideFirst(c, end.by), end.how, known.Seconds(silence))
		f.Evidence = []record.Evidence{r.At(from, "last data before the silence"), r.At(end.at, "%s of the %s, %s later", end.how, end.by, known.Seconds(silence))}
	}
	if len(fits) > 0 {
		f.Title += ", consistent with " + known.TimerNames(fits)
	} else if early := lazy(c, end, silence); early > 0 && whole(silence, time.Second) > wholeSecond {
		f.Title += fmt.Sprintf(", consistent with a timer of %s that had begun %s before", wholeSeconds(silence+early), known.Seconds(early))
	} else {
		f.Title += ", consistent with a timer of " + wholeSeconds(silence)
	}
	if n := c.Facts.TCP.KeepAlivesInSilence; n > 0 {
		f.Title += fmt.Sprintf(" (%d TCP keep-alives did not help)", n)
	}
	if c.Facts.WS == nil {
		f.NextStep = known.KeyLogStep(c)
	}
	r.Add(f)
}

// wholeSeconds writes the length of a timer.
func wholeSeconds(d time.Duration) string {
	if d = d.Round(time.Second); d < 10*time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return known.Seconds(d)
}

// timerProduct is whose settings the remedy names: the product that answered
// the handshake, else the only one whose timer fits.
func timerProduct(fits []known.Timer, answered known.Product) known.Product {
	if answered != known.Unknown {
		return answered
	}
	product := known.Unknown
	for _, t := range fits {
		if product != known.Unknown && t.Product != product {
			return known.Unknown
		}
		product = t.Product
	}
	return product
}
