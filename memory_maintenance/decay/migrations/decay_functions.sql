-- The arithmetic of decay; decay/policy.py says the same in Python, and a test holds the two together.
-- Functions of one expression each: Postgres writes them out inside the statement that calls them. It does so only
-- where what is handed in costs next to nothing, such as a column: hence whole microseconds, converted before.

-- When a memory was created or accessed; NULL where that is the zero of a clock or a program's empty date.
CREATE OR REPLACE FUNCTION maintenance.known_time(instant timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN instant >= '2001-01-02 00:00Z' THEN instant END;

CREATE OR REPLACE FUNCTION maintenance.microseconds(instant timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (extract(epoch FROM instant) * 1000000)::bigint;

-- What a column of memories holds of an importance: a real, or a numeric(3,2), keeps fewer digits.
CREATE OR REPLACE FUNCTION maintenance.held(importance double precision, kind oid, scale integer)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE kind
    WHEN 'real'::regtype THEN importance::real
    WHEN 'numeric'::regtype THEN CASE
        WHEN scale IS NULL THEN importance::numeric
        ELSE round(importance::numeric, scale)
    END
    ELSE importance
END;

-- Days between the base and as_of, weighted by the days since the last access.
CREATE OR REPLACE FUNCTION maintenance.exposure_days(
    base_at bigint, access bigint, as_of bigint, bounded boolean, use_access boolean
) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN as_of <= base_at THEN 0
    WHEN NOT use_access THEN (as_of - base_at)::float8 / 1e6
    WHEN bounded THEN (as_of - least(as_of, greatest(base_at, access)))::float8 / 1e6
    -- Cut 7 and 30 days after the last access. Half speed, full speed, then the mean of the growing one.
    ELSE (least(as_of, greatest(base_at, access + 604800000000)) - base_at)::float8 / 1e6 * 0.5
        + (least(as_of, greatest(base_at, access + 2592000000000))
           - least(as_of, greatest(base_at, access + 604800000000)))::float8 / 1e6
        + (as_of - least(as_of, greatest(base_at, access + 2592000000000)))::float8 / 1e6
          * (1 + (least(as_of, greatest(base_at, access + 2592000000000)) - access
                  + as_of - access)::float8 / 1e6 / 5184000)
END / 86400;

-- What is left of a base. exp() and products raise where their result is too small to be a number: hence the bounds.
CREATE OR REPLACE FUNCTION maintenance.decayed(
    base double precision, base_at bigint, access bigint, as_of bigint, speed double precision,
    bounded boolean, use_access boolean, hazard double precision, retained double precision, floor double precision
) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN least(base, greatest(floor, greatest(base, floor) * (retained + (1 - retained) * exp(-least(
    hazard * maintenance.exposure_days(base_at, access, as_of, bounded, use_access) * speed, 700)))));
