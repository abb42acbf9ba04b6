module miaopei/conformance/receipt

go 1.26.0

require golang.org/x/text v0.36.0
