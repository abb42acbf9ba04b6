package main

// Positions (docs/specs/evidence.md, section 5; terms.md, section 3 "near"): integer unit vectors at
// scale 2^30 and the integer edge of "within r", by series in whole numbers. No floats.

import (
	"math/big"
	"regexp"
	"strings"
)

const (
	micro           = 1_000_000
	earthDecimetres = 63_710_088
)

var plainDecimal = regexp.MustCompile(`^([+-]?)([0-9]{1,12})(?:\.([0-9]{0,24}))?$`)

// tenthsOf reads a printed magnitude, half up from its decimal text.
func tenthsOf(raw string) (int64, bool) {
	parts := plainDecimal.FindStringSubmatch(strings.TrimSpace(raw))
	if parts == nil {
		return 0, false
	}
	number, _ := new(big.Int).SetString(parts[2]+parts[3], 10)
	number.Mul(number, big.NewInt(20))
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(parts[3]))), nil)
	number.Add(number, scale) // twice the value and one, halved: ties away from zero
	number.Div(number, scale.Lsh(scale, 1))
	if parts[1] == "-" {
		number.Neg(number)
	}
	return number.Int64(), true
}

func shifted(value int64, bits uint) *big.Int {
	return new(big.Int).Lsh(big.NewInt(value), bits)
}

// series gives sine and cosine of an angle in radians, all at scale 2^bits.
func series(angle *big.Int, bits uint) (*big.Int, *big.Int) {
	square := new(big.Int).Rsh(new(big.Int).Mul(angle, angle), bits)
	sum := func(first *big.Int, n int64) *big.Int {
		total, term, minus := new(big.Int).Set(first), new(big.Int).Set(first), true
		for term.Sign() != 0 {
			term = new(big.Int).Rsh(new(big.Int).Mul(term, square), bits)
			term.Div(term, big.NewInt((n+1)*(n+2)))
			n += 2
			if minus {
				total.Sub(total, term)
			} else {
				total.Add(total, term)
			}
			minus = !minus
		}
		return total
	}
	return sum(angle, 1), sum(shifted(1, bits), 0)
}

func arctanInverse(x int64, bits uint) *big.Int {
	power := new(big.Int).Div(shifted(1, bits), big.NewInt(x))
	total, n, minus := new(big.Int).Set(power), int64(1), true
	for power.Sign() != 0 {
		power = new(big.Int).Div(power, big.NewInt(x*x))
		n += 2
		part := new(big.Int).Div(power, big.NewInt(n))
		if minus {
			total.Sub(total, part)
		} else {
			total.Add(total, part)
		}
		minus = !minus
	}
	return total
}

func piAt(bits uint) *big.Int {
	guard := bits + 32
	pi := new(big.Int).Mul(big.NewInt(16), arctanInverse(5, guard))
	pi.Sub(pi, new(big.Int).Mul(big.NewInt(4), arctanInverse(239, guard)))
	return pi.Rsh(pi, 32)
}

func sinCos(udeg int64, bits uint) (*big.Int, *big.Int) {
	quarter, rest := udeg/(90*micro), udeg%(90*micro)
	if rest < 0 {
		quarter, rest = quarter-1, rest+90*micro
	}
	mirrored := rest > 45*micro
	if mirrored {
		rest = 90*micro - rest
	}
	angle := new(big.Int).Mul(big.NewInt(rest), piAt(bits))
	angle.Div(angle, big.NewInt(180*micro))
	sine, cosine := series(angle, bits)
	if mirrored {
		sine, cosine = cosine, sine
	}
	for i := int64(0); i < (quarter%4+4)%4; i++ {
		sine, cosine = cosine, new(big.Int).Neg(sine)
	}
	return sine, cosine
}

// unitVector gives three integers, each the nearest to the true value at scale 2^30.
func unitVector(lat, lon int64) [3]int64 {
	demand(lat >= -90*micro && lat <= 90*micro && lon >= -180*micro && lon <= 180*micro, "place.out_of_range")
	for bits := uint(96); ; bits *= 2 {
		sinLat, cosLat := sinCos(lat, bits)
		sinLon, cosLon := sinCos(lon, bits)
		wanted := [3]*big.Int{
			new(big.Int).Rsh(new(big.Int).Mul(cosLat, cosLon), bits),
			new(big.Int).Rsh(new(big.Int).Mul(cosLat, sinLon), bits),
			sinLat,
		}
		found, sure := [3]int64{}, true
		for i, value := range wanted {
			low, high := nearest(value, -4096, bits), nearest(value, 4096, bits)
			found[i], sure = low, sure && low == high
		}
		if sure {
			return found
		}
	}
}

func nearest(value *big.Int, slack int64, bits uint) int64 {
	moved := new(big.Int).Add(value, big.NewInt(slack))
	moved.Add(moved, shifted(1, bits-31))
	return moved.Rsh(moved, bits-30).Int64()
}

// edge is the least dot product of two vectors within so many metres: ceil(2^60 cos(r / R)).
func edge(metres int64) *big.Int {
	demand(metres >= 1000 && metres <= 20_015_000, "place.bad_radius")
	for bits := uint(160); ; bits *= 2 {
		angle := shifted(metres*10, bits)
		_, cosine := series(angle.Div(angle, big.NewInt(earthDecimetres)), bits)
		low, high := ceilShift(cosine, -4096, bits-60), ceilShift(cosine, 4096, bits-60)
		if low.Cmp(high) == 0 {
			return low
		}
	}
}

func ceilShift(value *big.Int, slack int64, bits uint) *big.Int {
	moved := new(big.Int).Neg(new(big.Int).Add(value, big.NewInt(slack)))
	return moved.Neg(moved.Rsh(moved, bits))
}

func isNear(a, b [3]*big.Int, metres int64) bool {
	sum := new(big.Int)
	for i := range a {
		sum.Add(sum, new(big.Int).Mul(a[i], b[i]))
	}
	return sum.Cmp(edge(metres)) >= 0
}

func vectorOf(lat, lon int64) [3]*big.Int {
	v := unitVector(lat, lon)
	return [3]*big.Int{big.NewInt(v[0]), big.NewInt(v[1]), big.NewInt(v[2])}
}
