// The wall clock of a machine that is wrong, for tests: compiled into the standard library's package time in the place of Now, which is
// called rightNow then (build-skewed). Timers, pauses and durations go by the monotonic clock, as on a real machine whose wall clock is wrong.

package time

import "sync"

// How wrong the clock is stands in a file of the directory in which the process was started: milliseconds, and by how many parts in a
// million it runs too fast (both may be negative). Without the file it is right.
const wrongClockFile = "wrong-clock"

// How old what was read may be.
const wrongClockReadAgain = int64(50 * Millisecond)

var wrongClock struct {
	sync.Mutex
	readAt, since        int64 // monotonic
	offsetMs, perMillion int64
}

// Now is the time that the wrong clock tells.
func Now() Time {
	t := rightNow()
	if t.wall&hasMonotonic == 0 {
		return t
	}
	mono := t.ext
	wrong := Time{t.wall & nsecMask, t.sec(), t.loc}.Add(howWrong(mono))
	wrong.setMono(mono)
	return wrong
}

func howWrong(mono int64) Duration {
	c := &wrongClock
	c.Lock()
	defer c.Unlock()
	if c.readAt == 0 || mono-c.readAt > wrongClockReadAgain {
		c.readAt = mono
		if offset, rate := readWrongClock(); offset != c.offsetMs || rate != c.perMillion {
			c.offsetMs, c.perMillion, c.since = offset, rate, mono
		}
	}
	return Duration(c.offsetMs*int64(Millisecond) + (mono-c.since)/1000*c.perMillion/1000)
}

func readWrongClock() (offsetMs, perMillion int64) {
	file, err := open(wrongClockFile)
	if err != nil {
		return 0, 0
	}
	defer closefd(file)
	var text [64]byte
	n, err := read(file, text[:])
	if err != nil {
		return 0, 0
	}
	var numbers [2]int64
	at, sign := 0, int64(1)
	for _, c := range text[:max(n, 0)] {
		switch {
		case c == '-':
			sign = -1
		case c >= '0' && c <= '9':
			numbers[at] = numbers[at]*10 + sign*int64(c-'0')
		case c == ' ' && at == 0:
			at, sign = 1, 1
		}
	}
	return numbers[0], numbers[1]
}
