-- expect: header 2:1
SELECT 1;
