package known

import (
	"testing"
	"time"
)

func TestTimers(t *testing.T) {
	for _, tc := range []struct {
		after    time.Duration
		lifetime bool
		product  Product
		first    string // the first that fits; empty: none
	}{
		{after: 60 * time.Second, first: "nginx's proxy_read_timeout"},
		{after: 59700 * time.Millisecond, first: "nginx's proxy_read_timeout"},
		{after: 61 * time.Second, product: ALB, first: "an AWS Application or Classic Load Balancer's idle timeout"},
		{after: 62 * time.Second},
		{after: 20080 * time.Millisecond, first: "Azure Application Gateway's request timeout"},
		{after: 19800 * time.Millisecond},
		{after: 350 * time.Second, first: "an AWS Network Load Balancer's idle timeout"},
		{after: 2 * time.Hour, lifetime: true, first: "Amazon API Gateway's connection duration"},
		{after: 2 * time.Hour},
	} {
		list := IdleTimers(tc.after, tc.product)
		if tc.lifetime {
			list = LifetimeTimers(tc.after, tc.product)
		}
		first := ""
		if len(list) > 0 {
			first = list[0].Name
		}
		if first != tc.first {
			t.Errorf("%v: %q, expected %q", tc.after, first, tc.first)
		}
	}
}

func TestForgottenAfter(t *testing.T) {
	if list := ForgottenAfter(200 * time.Second); len(list) != 0 {
		t.Errorf("200 s: %v", list)
	}
	if list := ForgottenAfter(400 * time.Second); len(list) != 3 {
		t.Errorf("400 s: %v", list)
	}
}

func TestTimersAreWhole(t *testing.T) {
	for i, x := range timers {
		if x.Name == "" || x.After <= 0 || i > 0 && x.After < timers[i-1].After {
			t.Errorf("incomplete or out of order: %+v", x)
		}
	}
}

func TestTimerNames(t *testing.T) {
	for _, tc := range []struct {
		n    int
		want string
	}{{0, ""}, {1, "a"}, {2, "a or b"}, {3, "a, b or c"}, {4, "a, b, c or d"}, {5, "a, b, c, d and others"}} {
		var list []Timer
		for i := range tc.n {
			list = append(list, Timer{Name: string(rune('a' + i))})
		}
		if got := TimerNames(list); got != tc.want {
			t.Errorf("%d: %q, expected %q", tc.n, got, tc.want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		350 * time.Millisecond: "350 ms", 4020 * time.Millisecond: "4.02 s", 9998 * time.Millisecond: "10.0 s", time.Minute: "60.0 s",
		11 * time.Minute: "11 min", 125 * time.Minute: "2 h 5 min",
	} {
		if got := Seconds(d); got != want {
			t.Errorf("%v: %q, expected %q", d, got, want)
		}
	}
}
