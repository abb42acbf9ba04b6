"""What members may do: one file an act, applied by the same pure code on every member.

Whatever has a `KIND` is an act; `voted/` holds newer forms of some. What acts share stands beside:

apply       blocks: apply, rule_sets, state, envelope, freshness, base
facts       on file and grouped: facts, on_file, occurrences
cases       which are looked at, how one stands, what of it is decided: cases, assessing, standing,
            triggers
deciding    who has said what, and what follows: rounds, settling
selling     from application to policy, and money: sold, issued, entries, pauses
members     seats and what several must want: seats, wishes, approvals
data        of persons, books and calls: blobs, consents, readers, metered
"""
