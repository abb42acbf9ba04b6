module miaopei/conformance/receipt

go 1.26.0

require (
	github.com/emmansun/gmsm v0.30.1
	golang.org/x/text v0.36.0
)

require golang.org/x/crypto v0.37.0 // indirect
